"""The production models of `models=full` and `models=random`: one back end per file, found as analyzers are.

A back end derives from `Production` and, if it shares steps with the analyzer that it replaces, from the
class that has them. Analyzers without a file here run unchanged in every profile.
"""
