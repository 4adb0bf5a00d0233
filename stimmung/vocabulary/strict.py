"""The base of every model of the config, of codebooks and of layouts."""

import codecs
from os.path import expanduser
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _is_text_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)  # only encodings of text do this; Python knows others, such as hex
    except (LookupError, ValueError) as error:
        raise ValueError(f"'{name}' is no encoding of text; e.g. utf-8, cp1252, cp1251, shift_jis") from error
    return name


UserPath = Annotated[str, AfterValidator(expanduser)]  # a path as a user writes it: ~ is the home folder
TextEncoding = Annotated[str, AfterValidator(_is_text_encoding)]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys. The string below a field is its description in the schema and the documentation.

    They are read by `stimmung schema` alone (cli/schema.py): pydantic would read them whenever a model is imported, which is in every
    job.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
