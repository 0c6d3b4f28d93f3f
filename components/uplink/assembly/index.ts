/** What the component exports, by the interfaces of its world. The app itself is handler.ts and batch.ts. */
import * as sensorBatchHandler from './handler'
export { sensorBatchHandler }
