// The pad and the answer of the app's own page, put to work without its server.

document.documentElement.lang = language
document.title = word('title')

// The app's styles know dark by a class.
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark', dark.matches)
dark.addEventListener('change', follow)
follow()

// A picture that is dropped here would take the place of the page, and the drawing with it.
for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault())
