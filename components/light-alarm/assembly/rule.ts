/** The whole rule: when is the LED lit? Change this line, give selvedge.toml a new version, and publish. */
export function shouldLight(value: f64, threshold: f64): bool {
  return value < threshold
}
