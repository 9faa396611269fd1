"""``python -m restcomm_apps`` is ``restcomm-apps``."""

from .cli import main

main()
