"""The base of every model of the config, of codebooks and of layouts."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know, so that a misspelt key is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
