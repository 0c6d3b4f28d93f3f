"""What the tests ask of a sensor app: see ../sensor-app.test.ts."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import logging, pins, sensor, store


class SensorHandler(exports.SensorHandler):
    def handle(self, event: exports.sensor_handler.SensorEvent) -> None:
        threshold = store.get("threshold")
        if threshold is None:
            raise Err("no threshold is set")
        try:
            reading = sensor.read(event.sensor)
        except Err as error:
            raise Err(f"{event.sensor} gave no reading") from error
        lit = reading.value < float(threshold)
        pins.write("led", lit)
        logging.log(logging.Level.INFO, "python", f"event {event.id}: {reading.value:g} {reading.unit}")
