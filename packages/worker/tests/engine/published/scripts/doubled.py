"""A Processing script as a class."""

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterNumber,
)


class Doubled(QgsProcessingAlgorithm):
    def name(self):
        return "doubled"

    def displayName(self):  # noqa: N802 - QGIS's
        return "Doubled"

    def group(self):
        return "arithmetic"

    def groupId(self):  # noqa: N802 - QGIS's
        return "arithmetic"

    def shortHelpString(self):  # noqa: N802 - QGIS's
        return "<p>Twice a number.</p>"

    def createInstance(self):  # noqa: N802 - QGIS's
        return type(self)()

    def initAlgorithm(self, config=None):  # noqa: N802 - QGIS's
        self.addParameter(QgsProcessingParameterNumber("NUMBER", "Number"))
        self.addOutput(QgsProcessingOutputNumber("RESULT", "Twice the number"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802 - QGIS's
        return {"RESULT": 2 * self.parameterAsDouble(parameters, "NUMBER", context)}
