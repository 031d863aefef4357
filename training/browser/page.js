// Sets up the page around the app's pad and answer.

document.documentElement.lang = language
document.title = word('title')

// The app's styles use a class for dark mode.
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark', dark.matches)
dark.addEventListener('change', follow)
follow()

// Otherwise the browser would open a dropped picture and lose the drawing.
for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault())
