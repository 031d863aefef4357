"""Python with this folder on its path cannot import what only training installs."""

import sys

sys.modules.update(dict.fromkeys(("tensorflow", "keras", "h5py", "scipy", "matplotlib")))
