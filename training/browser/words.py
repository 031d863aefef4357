"""Texts of the page without a server that differ from the app's or are additional."""

from typing import Final

from digits.page.i18n import WORDS

_OTHER: Final[dict[str, dict[str, str]]] = {
    "en": {
        "tagline": "Draw a digit. It is read on your own device as you draw.",
        "offline": "No answer. Trying again …",
        "inside_none": "Draw a digit",
        "private": "Nothing you draw leaves this device; the tab keeps it until you close it. "
        "The page also works offline and from a file on your disk.",
        "limits": "It reads one drawn digit. Pictures, numbers and explanations need the app with "
        "a server.",
        "cannot_load": "This browser could not load the network: try a newer one.",
    },
    "de": {
        "tagline": "Zeichne eine Ziffer. Sie wird auf deinem eigenen Gerät gelesen, während du "
        "zeichnest.",
        "offline": "Keine Antwort. Neuer Versuch …",
        "inside_none": "Zeichne eine Ziffer",
        "private": "Nichts, was du zeichnest, verlässt dieses Gerät; der Tab behält es, bis du ihn "
        "schließt. Die Seite funktioniert auch offline und als Datei auf deinem Gerät.",
        "limits": "Sie liest eine gezeichnete Ziffer. Bilder, mehrstellige Zahlen und Erklärungen "
        "gibt es in der App mit Server.",
        "cannot_load": "Dieser Browser konnte das Netz nicht laden: Versuche es mit einem neueren.",
    },
    "fr": {
        "tagline": "Tracez un chiffre. Il est lu sur votre propre appareil, pendant le tracé.",
        "offline": "Pas de réponse. Nouvel essai …",
        "inside_none": "Tracez un chiffre",
        "private": "Rien de ce que vous tracez ne quitte cet appareil ; l'onglet le garde jusqu'à "
        "sa fermeture. La page fonctionne aussi hors ligne et depuis un fichier de votre disque.",
        "limits": "Elle lit un seul chiffre tracé. Les images, les nombres à plusieurs chiffres et "
        "les explications demandent l'application avec un serveur.",
        "cannot_load": "Ce navigateur n'a pas pu charger le réseau : essayez-en un plus récent.",
    },
}

PAGE_WORDS: Final = {language: words | _OTHER[language] for language, words in WORDS.items()}
"""All texts of the page, by language and key."""
