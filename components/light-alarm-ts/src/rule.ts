/** The whole rule: when is the LED lit? Change this line, give selvedge.toml a new version, and publish. */
export function shouldLight(value: number, threshold: number): boolean {
  return value < threshold
}
