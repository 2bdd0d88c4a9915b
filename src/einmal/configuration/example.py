"""A complete file, commented for somebody who has never seen one. A test holds that it passes the check."""

from importlib.resources import files


def example() -> str:
    return files("einmal.configuration").joinpath("example.toml").read_text("utf-8")
