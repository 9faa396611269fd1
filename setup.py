"""What setup.cfg cannot say: every room is a package, and so are the templates beside them."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["restcomm_apps", "restcomm_apps.*"]),
        "restcomm_apps.templates",
    ]
)
