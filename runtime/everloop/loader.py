"""The handler string to the object that it names."""

import importlib
import importlib.util
import logging
import sys
from typing import Any

from everloop.errors import HandlerError

logger = logging.getLogger("everloop")

_FORMS = "main:app, package.module:attribute, module:factory(), package.module.attribute or path/to/module.attribute"


class HandlerName:
    """The parts of a handler string."""

    def __init__(self, text: str) -> None:
        """Split a handler string. Raises `HandlerError` (Runtime.MalformedHandlerName)."""
        if not text.strip():
            raise HandlerError(
                "Runtime.MalformedHandlerName",
                f"No handler: expected {_FORMS} as the argument of bootstrap (a container's CMD) or in _HANDLER",
            )
        self.text = text
        name = text.strip()
        self.is_factory = name.endswith("()")
        name = name.removesuffix("()")
        if ":" in name:
            module, _, self.attribute = name.partition(":")
        else:
            module, _, self.attribute = name.rpartition(".")
        self.module = module.strip("/").replace("/", ".")
        parts = [*self.module.split("."), *self.attribute.split(".")]
        if not all(part.isidentifier() for part in self.attribute.split(".")) or not all(parts):
            raise HandlerError("Runtime.MalformedHandlerName", f"Bad handler {text!r}: expected {_FORMS}")


def load(text: str) -> Any:
    """Import the module and give the object; call it where the string asks for a factory.

    Raises `HandlerError`, or whatever the user's module raises when it is imported.
    """
    name = HandlerName(text)
    try:
        found: Any = importlib.import_module(name.module)
    except ModuleNotFoundError as error:
        raise HandlerError("Runtime.ImportModuleError", _missing_module(name, error)) from error
    except ImportError as error:
        raise HandlerError("Runtime.ImportModuleError", f"Unable to import module {name.module!r}: {error}") from error
    except SyntaxError as error:
        raise HandlerError("Runtime.UserCodeSyntaxError", f"Syntax error in module {name.module!r}: {error}") from error
    walked = name.module
    for attribute in name.attribute.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            raise HandlerError("Runtime.HandlerNotFound", _missing_attribute(name, walked, attribute, found)) from error
        walked = f"{walked}.{attribute}"
    if name.is_factory:
        if not callable(found):
            raise HandlerError("Runtime.HandlerNotFound", f"{walked} is no factory: it cannot be called")
        found = found()
    return found


def _missing_module(name: HandlerName, error: ModuleNotFoundError) -> str:
    """Tell a handler that names no module from a module that imports one that is not there."""
    missing = error.name or ""
    if name.module == missing or name.module.startswith(f"{missing}."):
        if name.module.endswith(".py"):
            where = name.module.removesuffix(".py")
            return (
                f"Unable to import module {name.module!r} (handler string {name.text!r}). A handler names its module "
                f"without `.py`: {where}:{name.attribute}."
            )
        return (
            f"Unable to import module {name.module!r}: {error}. The handler {name.text!r} names a module that is not "
            "under LAMBDA_TASK_ROOT (the folder that your code was copied to): is the spelling right, was the file "
            "copied into the image?"
        )
    return (
        f"Unable to import module {name.module!r}: {error}. The module is there, but it imports one that is not "
        "installed: is it in requirements.txt, and was that installed into the image?"
    )


def _missing_attribute(name: HandlerName, where: str, attribute: str, found: object) -> str:
    from difflib import get_close_matches

    near = get_close_matches(attribute, [one for one in dir(found) if not one.startswith("__")], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if where in sys.stdlib_module_names:
        # Imported before the user's file of that name could be found.
        hint = f" {where!r} is a module of Python's own here: if yours has that name, give its file another one."
    elif attribute == "py" and "." not in where:
        hint = f" A handler names its module without `.py`: {where}:app."
    return f"Handler {attribute!r} missing on {where!r} (handler string {name.text!r}).{hint}"


def describe(found: object) -> str:
    """Give a short name of an object for the log: its class, and its own name where it has one."""
    name = getattr(found, "__qualname__", None)
    return (
        f"{name} ({type(found).__name__})"
        if isinstance(name, str)
        else f"{type(found).__module__}.{type(found).__name__}"
    )
