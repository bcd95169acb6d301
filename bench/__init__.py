"""The measuring core: configuration, plan, media, runner, telemetry, results, metrics, targets, quality."""
