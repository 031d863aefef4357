"""Import Gradio without the type stubs that it writes each time.

Whenever Gradio defines a component, also one of its own, it parses the component's source twice and
compares a stub file beside it: half of what importing it costs, for editors that nobody runs here.
So this module, imported before Gradio, loads the part that does so first and leaves that out. Where
Gradio is loaded already, or has changed inside, nothing is left out.
"""

import importlib.util
import sys

_WRITER = "create_or_modify_pyi"


def _import_gradio() -> None:
    spec = importlib.util.find_spec("gradio")
    if "gradio" in sys.modules or spec is None or spec.loader is None:
        return
    # As `import gradio` does it, but for one part that comes before the package's own code.
    gradio = importlib.util.module_from_spec(spec)
    sys.modules["gradio"] = gradio
    try:
        part = importlib.import_module("gradio.component_meta")
        if hasattr(part, _WRITER):
            setattr(part, _WRITER, _write_nothing)
        spec.loader.exec_module(gradio)
    except BaseException:
        del sys.modules["gradio"]
        raise


def _write_nothing(_component: type, _name: str, _events: object) -> None:
    pass


_import_gradio()
