"""What the page without a server says otherwise than the app's, or besides."""

from typing import Final

from digits.page.i18n import WORDS

_OTHER: Final[dict[str, dict[str, str]]] = {
    "en": {
        "tagline": "Draw a digit. It is read here, on your own device, while you draw.",
        "offline": "No answer. Trying again …",
        "inside_none": "Draw a digit",
        "private": "Nothing that you draw leaves this device; the tab keeps it until you close it. "
        "The page also works without a network, and from a file on your disk.",
        "limits": "It reads one drawn digit. Pictures, whole numbers and what spoke for an answer "
        "take the app with a server.",
        "cannot_load": "This browser could not load the network: try a newer one.",
    },
    "de": {
        "tagline": "Zeichne eine Ziffer. Sie wird hier gelesen, auf deinem eigenen Gerät, während "
        "du zeichnest.",
        "offline": "Keine Antwort. Neuer Versuch …",
        "inside_none": "Zeichne eine Ziffer",
        "private": "Nichts, was du zeichnest, verlässt dieses Gerät; der Tab behält es, bis du ihn "
        "schließt. Die Seite geht auch ohne Netz und als Datei von deiner Platte.",
        "limits": "Sie liest eine gezeichnete Ziffer. Bilder, ganze Zahlen und was für eine "
        "Antwort sprach, das kann die App mit einem Server.",
        "cannot_load": "Dieser Browser konnte das Netz nicht laden: Nimm einen neueren.",
    },
    "fr": {
        "tagline": "Tracez un chiffre. Il est lu ici, sur votre propre appareil, pendant le tracé.",
        "offline": "Pas de réponse. Nouvel essai …",
        "inside_none": "Tracez un chiffre",
        "private": "Rien de ce que vous tracez ne quitte cet appareil ; l'onglet le garde jusqu'à "
        "sa fermeture. La page marche aussi sans réseau, et depuis un fichier de votre disque.",
        "limits": "Elle lit un seul chiffre tracé. Les images, les nombres entiers et ce qui a "
        "parlé pour une réponse demandent l'application avec un serveur.",
        "cannot_load": "Ce navigateur n'a pas pu charger le réseau : prenez-en un plus récent.",
    },
}

PAGE_WORDS: Final = {language: words | _OTHER[language] for language, words in WORDS.items()}
"""Every word of the page, by language and key."""
