/** A local cluster of real Kafka and HDFS, with the dashboard: start, stop, look at it, and run the tools of its makers. */
export type { Call, EngineKind, ToolResult } from './engine.ts'
export { down, logs, ps, restart, runHdfs, runKafkaTool, type UpOptions, up } from './lifecycle.ts'
export { SERVICE_NAMES, type ServiceName, type ServiceState, type ServiceStatus } from './services.ts'
