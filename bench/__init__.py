"""The measuring core: configuration, plan, clips, runner, telemetry, results, metrics, targets, quality."""
