/** What the component exports. The app itself is handler.ts and rule.ts. */
export { cabi_realloc } from './abi/arena'
export { sensorHandler_handle, sensorHandler_handle_post } from './abi/sensor-handler'
