"""A recipe of one's own, as a package that zc.buildout finds."""

from setuptools import setup

setup(
    name="greeting-recipe",
    version="1.0",
    py_modules=["greeting_recipe"],
    install_requires=["slapmaster"],
    entry_points={"zc.buildout": ["default = greeting_recipe:Recipe"]},
)
