"""The quality figures that come with clipbench, one file per analyzer."""
