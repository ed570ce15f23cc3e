"""The commands of `everloop`, as click has them. Each is imported when it is called: imports are what takes long."""

from importlib import import_module
from typing import ClassVar

import click

import everloop as package


class Commands(click.Group):
    """The commands by their names, each in a module of its own."""

    modules: ClassVar[dict[str, tuple[str, str]]] = {
        "dev": ("everloop.dev.commands.serve", "dev"),
        "invoke": ("everloop.dev.commands.invoke", "invoke"),
        "event": ("everloop.dev.commands.event", "event"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order of the help."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of a name; None where there is none."""
        if cmd_name not in self.modules:
            return None
        module, attribute = self.modules[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package.__version__, message="everloop %(version)s")
def everloop() -> None:
    """Run Python web applications as AWS Lambda does, on this machine."""
