"""From a resolved topology to a complete compose project: pure, no Docker."""
