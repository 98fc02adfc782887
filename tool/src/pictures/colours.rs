//! The colour of an environment: the one that the page gives it.
//!
//! The hard thing is that neighbours have to differ most: slots go round the circle of
//! hues by the golden angle. `page/web/names.js` does the same sum.

use abi::EnvId;

/// The golden angle, in degrees.
const STEP: f64 = 137.508;

/// The hue of an environment, in degrees.
pub fn hue(env: EnvId) -> f64 {
    let id = env.0.cast_unsigned();
    let slot = f64::from(id & 1023);
    let generation = f64::from(id >> 12) - 1.0;
    (190.0 + (slot + generation * 5.0) * STEP) % 360.0
}
