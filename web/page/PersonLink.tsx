import { addressOf, follow } from '../data/here.ts'

/** The name of a listener or an artist, leading to the page about them. */
export function PersonLink({ kind, name }: { kind: 'listener' | 'artist'; name: string }) {
  const place = { kind, name } as const
  return (
    <a class="person" href={addressOf({ place })} onClick={follow({ place })} title={name}>
      <bdi>{name}</bdi>
    </a>
  )
}

/** A track, and whose it is. */
export function TrackName({ name, artist }: { name: string; artist: string }) {
  return (
    <>
      <bdi title={name}>{name}</bdi>
      <PersonLink kind="artist" name={artist} />
    </>
  )
}
