/** What the component exports, by the interfaces of its world. */
import * as api from './api'
export { api }
