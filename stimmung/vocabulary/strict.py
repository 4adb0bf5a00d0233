"""The base of every model of the config, of codebooks and of layouts."""

from os.path import expanduser
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

UserPath = Annotated[str, AfterValidator(expanduser)]  # a path as a user writes it: ~ is the home folder


class Strict(BaseModel):
    """A frozen model that refuses unknown keys. The string below a field is its description in the schema and the documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
