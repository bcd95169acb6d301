"""The clips that come with clipbench, rendered from photographs and recordings: docs/reference-clip.md."""
