"""A Processing script as a function."""

from qgis.processing import alg


@alg(name="halved", label="Halved", group="arithmetic", group_label="arithmetic")
@alg.input(type=alg.NUMBER, name="NUMBER", label="Number")
@alg.output(type=alg.NUMBER, name="RESULT", label="Half the number")
def halved(instance, parameters, context, feedback, inputs):
    """Half a number."""
    return {"RESULT": instance.parameterAsDouble(parameters, "NUMBER", context) / 2}
