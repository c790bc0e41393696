"""What QGIS calls: there is no interface, and nothing but `initProcessing` is called."""

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterNumber,
    QgsProcessingProvider,
)


class Steps(QgsProcessingAlgorithm):
    def name(self):
        return "steps"

    def displayName(self):  # noqa: N802 - QGIS's
        return "Steps of a slope"

    def createInstance(self):  # noqa: N802 - QGIS's
        return Steps()

    def initAlgorithm(self, config=None):  # noqa: N802 - QGIS's
        self.addParameter(QgsProcessingParameterNumber("HEIGHT", "Height"))
        self.addOutput(QgsProcessingOutputNumber("STEPS", "How many steps"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802 - QGIS's
        from terraces import sizes  # noqa: PLC0415 - a confined job can read the folder

        return {"STEPS": self.parameterAsDouble(parameters, "HEIGHT", context) / sizes.STEP}


class Provider(QgsProcessingProvider):
    def id(self):
        return "terraces"

    def name(self):
        return "Terraces"

    def versionInfo(self):  # noqa: N802 - QGIS's
        return "1.2"

    def loadAlgorithms(self):  # noqa: N802 - QGIS's
        self.addAlgorithm(Steps())


class Terraces:
    def __init__(self):
        self.provider = None

    def initProcessing(self):  # noqa: N802 - QGIS's
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802 - QGIS's
        raise AssertionError("there is no interface")
