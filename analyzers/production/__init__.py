"""The production models of `models=full` and `models=random`: one back end a file, found as analyzers are.

A back end derives from `Production` and from the analyzer whose place it takes, so that the output format has
one home. Analyzers without a file here run as they are in every profile.
"""
