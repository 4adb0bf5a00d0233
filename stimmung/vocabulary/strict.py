"""The base of every model of the config, of codebooks and of layouts."""

from os.path import expanduser
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

UserPath = Annotated[str, AfterValidator(expanduser)]  # a path as a user writes it: ~ is the home folder


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know, so that a misspelt key is never silently ignored.

    The string below a field is its description: in config.schema.json, in docs/configuration.md and in editors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
