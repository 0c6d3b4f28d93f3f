/** What the component exports, by the interfaces of its world. The app itself is handler.ts and rule.ts. */
import * as sensorHandler from './handler'
export { sensorHandler }
