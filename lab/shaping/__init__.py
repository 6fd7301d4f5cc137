"""Link caps: where they sit, setting them live, reading them back, watching their queues."""
