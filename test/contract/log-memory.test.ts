import { MemoryTopic } from '../log/memory.ts'
import { logContract } from './log.ts'

// The log that other tests stand on has to keep the same promises as the real ones.
logContract('memory', () => {
  const topics = new Map<string, MemoryTopic>()
  return {
    open: async (name, partitions) => {
      const topic = topics.get(name) ?? new MemoryTopic(name)
      topics.set(name, topic)
      return topic.open(partitions)
    },
    makeAnew: async ({ topic }) => topics.get(topic)!.recreate(),
    cleanup: async () => topics.clear(),
  }
})
