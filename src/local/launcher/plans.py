"""Change sets of a stack that is not there yet.

ministack makes such a stack anew for each change set, with another id, and then
leaves the change sets of the former when one is executed. On AWS the stack stays
the same, and executing a change set deletes all of its others.
"""

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.changesets as changesets


def _drop_others(stack_id, executed):
    """Deletes the other change sets of the stack's name, whatever id it had."""
    sets = cloudformation._change_sets
    name = sets[executed]["StackName"] if executed in sets else None
    for other in [key for key, record in sets.items()
                  if key != executed
                  and (record.get("StackId") == stack_id or record.get("StackName") == name)]:
        sets.pop(other, None)


def install():
    """Replaces what ministack does after it began to execute a change set."""
    changesets._drop_other_change_sets = _drop_others
