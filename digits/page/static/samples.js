// Sample pictures: a press hands one in as if the visitor had chosen the file.

for (const button of element.querySelectorAll('[data-sample]')) {
  const address = rootUrl(`samples/${button.dataset.sample}.jpg`)
  button.firstChild.src = address
  button.addEventListener('click', async () => {
    try {
      tell('digits:picture', await (await fetch(address)).blob())
    } catch {
      tell('digits:answer', { source: 'upload', answer: { kind: 'offline' }, final: true })
    }
  })
}
