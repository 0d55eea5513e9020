/** How the program is called by who reads its help: by its launcher in a clone, by its name once installed. */
export const PROGRAM = import.meta.url.endsWith('.ts') ? './music-faker' : 'music-faker'
