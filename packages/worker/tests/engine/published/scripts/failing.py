"""A script that fails when it is run."""

from qgis.processing import alg


@alg(name="failing", label="Failing", group="tests", group_label="Tests")
@alg.input(type=alg.NUMBER, name="NUMBER", label="Number", default=0)
@alg.output(type=alg.NUMBER, name="RESULT", label="Result")
def failing(instance, parameters, context, feedback, inputs):
    """Divides by its number."""
    return {"RESULT": 1 / instance.parameterAsDouble(parameters, "NUMBER", context)}
