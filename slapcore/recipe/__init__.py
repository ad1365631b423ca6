"""Recipes of zc.buildout for releases and instances, found by the name of ``slapmaster``.

A recipe is made from the options of its section, does its work when it is installed or updated,
and gives the paths that buildout removes with it.  ``section`` is what all of them read options
with; options bear the names that they have in the recipes that came before ours.
"""
