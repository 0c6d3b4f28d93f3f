//! What the tests ask of a sensor app: see ../../sensor-app.test.ts.
wit_bindgen::generate!({ path: "../../../wit", world: "sensor-app", generate_all });

use exports::selvedge::edge::sensor_handler::{Guest, SensorEvent};
use selvedge::device::{pins, sensor};
use wasi::config::store;
use wasi::logging::logging::{log, Level};

struct App;

impl Guest for App {
    fn handle(event: SensorEvent) -> Result<(), String> {
        let text = store::get("threshold").map_err(|error| format!("{error:?}"))?;
        let threshold: f64 = match text {
            Some(text) => text.parse().map_err(|_| "the threshold is no number".to_string())?,
            None => return Err("no threshold is set".to_string()),
        };
        let reading = sensor::read(&event.sensor).map_err(|_| format!("{} gave no reading", event.sensor))?;
        pins::write("led", reading.value < threshold).map_err(|_| "led was not written".to_string())?;
        log(Level::Info, "rust", &format!("event {}: {} {}", event.id, reading.value, reading.unit));
        Ok(())
    }
}

export!(App);
