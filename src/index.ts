/** What programs that use music-faker as a library may import. */

export { type ArchiveEvent, type ArchiveOptions, type ArchiveSummary, archive } from './archive/archiver.ts'
export { type BatchLimits, REALTIME } from './archive/batch.ts'
export { lakeRoot } from './archive/layout.ts'
export { type CommitRecord, decodeRecord } from './archive/record.ts'
export { type LoadedConfig, loadConfig } from './config.ts'
export { ERRORS, type ErrorCode, hasCode, isRetryable, MusicFakerError } from './errors.ts'
export { ACTIONS, type Decoded, decode, encode, FIELDS, type MusicEvent, type QuarantineReason } from './event.ts'
export { Generator, type GeneratorOptions } from './generate/generator.ts'
export { type Fingerprint, fingerprint, LedgerWriter, readLedger } from './generate/ledger.ts'
export { parseRate, parseSpeed } from './generate/pacing.ts'
export { type ProduceOptions, type ProduceProgress, type ProduceSummary, produce } from './generate/produce.ts'
export type { LakeEntry, LakeStorage } from './lake/storage.ts'
export type {
  Assignment,
  EventLog,
  LogBatch,
  LogMessage,
  PartitionReader,
  ReadFrom,
  TopicDescription,
} from './log/log.ts'
export { openLake, openLog } from './profiles.ts'
export { type Config, SETTINGS, type SettingName } from './settings.ts'
export type { Summary } from './stats/summary.ts'
export { Totals, type TotalsSnapshot } from './stats/totals.ts'
