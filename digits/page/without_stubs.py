"""Import Gradio without the type stubs that it writes each time.

Whenever Gradio defines a component, also one of its own, it parses the component's source twice and
compares a stub file beside it: half of what importing it costs, for editors that nobody runs here.
So this module, imported before Gradio, loads the part that does so first and leaves that out.
"""

import importlib.util
import sys

if "gradio" not in sys.modules and (_spec := importlib.util.find_spec("gradio")) and _spec.loader:
    # As `import gradio` does it, but for one part that comes before the package's own code.
    _gradio = sys.modules["gradio"] = importlib.util.module_from_spec(_spec)
    _part = importlib.import_module("gradio.component_meta")
    vars(_part)["create_or_modify_pyi"] = lambda *_: None
    _spec.loader.exec_module(_gradio)
