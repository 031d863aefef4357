"""With this folder on its path, Python cannot import packages that only training installs."""

import sys

sys.modules.update(dict.fromkeys(("tensorflow", "keras", "h5py", "scipy", "matplotlib")))
