"""Import Gradio without its generation of type stubs.

Whenever a Gradio component class is defined, Gradio parses its source twice and compares a stub
file for editors. That is half of the import time. Imported before Gradio, this module loads the
submodule responsible for it and turns that off.
"""

import importlib.util
import sys

if "gradio" not in sys.modules and (_spec := importlib.util.find_spec("gradio")) and _spec.loader:
    # As `import gradio` does it, except that one submodule is loaded before the package's code.
    _gradio = sys.modules["gradio"] = importlib.util.module_from_spec(_spec)
    _part = importlib.import_module("gradio.component_meta")
    vars(_part)["create_or_modify_pyi"] = lambda *_: None
    _spec.loader.exec_module(_gradio)
