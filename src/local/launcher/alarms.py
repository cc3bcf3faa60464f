"""CloudWatch alarms on metric math, which ministack's handler refuses.

The alarm exists with its expressions, for the APIs and for composite alarms;
nothing evaluates it, so that it changes its state through SetAlarmState only.
"""

import copy

import ministack.services.cloudformation.provisioners as cfn

_plain_record = cfn._cw_metric_alarm_record

# What AWS leaves out of the description of an alarm that has `Metrics`.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period",
                  "Dimensions", "Unit")


def _record(name, props):
    metrics = props.get("Metrics")
    if not metrics:
        return _plain_record(name, props)
    both = [key for key in _OF_ONE_METRIC if props.get(key)]
    if both:
        raise ValueError(f"Metrics excludes {', '.join(both)} (InvalidParameterCombination)")
    returned = [m for m in metrics if str(m.get("ReturnData", True)).lower() != "false"]
    if len(returned) != 1:
        raise ValueError("exactly one element of Metrics must return data (ValidationError)")
    record = _plain_record(name, {
        **props, "Metrics": None, "MetricName": "-", "Namespace": "-"})
    record.update(dict.fromkeys(_OF_ONE_METRIC))
    record.update({"Dimensions": [], "Metrics": copy.deepcopy(metrics)})
    return record


def install():
    """Lets the handler take metric math."""
    cfn._cw_metric_alarm_record = _record
