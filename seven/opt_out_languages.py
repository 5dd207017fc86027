"""Opt-out languages: the words by which people opt out, and in again, of each language; the only list of them.

Each is written as people write it; case, accents and spaces count for nothing (`seven/opt_out_words.py`). A word stands
here if someone who sends it, and nothing else, can mean nothing else: no "nein", no "yes".
"""

# ruff: noqa: RUF001 - the dotless i is a letter

from typing import NamedTuple


class Language(NamedTuple):
    """The words of one language."""

    stop: tuple[str, ...]
    start: tuple[str, ...]
    polite: tuple[str, ...] = ()
    """What may stand before or behind a word without changing it."""
    expressions: tuple[str, ...] = ()
    """Words that make an expression with a "stop" or "start" behind them, and so are no keyword of a shared number."""


LANGUAGES = {
    "de": Language(
        stop=(
            "stop", "stopp", "stoppen", "abmelden", "abmeldung", "abbestellen", "abbestellung", "austragen", "kündigen",
            "kündigung", "Kuendigung", "kuendigen", "ende", "widerruf", "widerrufen", "löschen", "loeschen",
            "mich abmelden", "melde mich ab", "ich melde mich ab", "Newsletter abmelden", "Newsletter abbestellen",
            "keine SMS", "keine SMS mehr", "keine Nachrichten mehr", "keine Werbung", "keine Werbung mehr",
            "Stop SMS", "Stop Werbung", "Stopp SMS", "Stopp Werbung",
        ),
        start=("start", "starten", "anmelden", "wieder anmelden", "mich anmelden", "mich wieder anmelden"),
        polite=("bitte", "danke", "vielen Dank"),
        expressions=(
            "nicht", "nie", "niemals", "kein", "keine", "keinen", "ohne", "der", "den", "dem", "ein", "einen", "einem",
            "zum", "beim", "mit", "ich", "du", "er", "sie", "es", "wir", "ihr", "kurzer", "kurzen", "erster", "letzter",
            "nächster", "zwischen", "tank", "boxen", "neu", "neuer", "guter", "guten", "am", "vor", "nach", "im",
            "und", "oder", "ja", "nein", "ok", "okay", "auto", "kind", "hund", "gewerbe", "wohnsitz",
        ),
    ),
    "en": Language(
        stop=(
            "stop", "stop all", "unsubscribe", "unsubscribe me", "unsub", "cancel", "end", "quit", "revoke", "opt out",
            "opt me out", "remove", "remove me", "delete me", "stop sms", "stop texting", "stop texting me",
            "stop messaging me", "no more messages", "no more texts",
        ),
        start=("start", "unstop", "subscribe", "resubscribe", "opt in", "opt me in", "rejoin"),
        polite=("please", "pls", "plz", "thanks", "thank you", "thx"),
        expressions=(
            "a", "an", "the", "this", "that", "my", "your", "our", "his", "her", "their", "its", "i", "you", "he",
            "she", "it", "we", "they", "who", "to", "can", "cant", "cannot", "could", "couldnt", "do", "dont", "does",
            "doesnt", "did", "didnt", "never", "no", "non", "not", "nor", "must", "mustnt", "should", "shouldnt",
            "will", "wont", "would", "wouldnt", "ill", "lets", "just", "and", "or", "but", "if", "when", "why", "at",
            "in", "on", "by", "for", "from", "with", "without", "full", "short", "one", "first", "second", "last",
            "next", "final", "bus", "tram", "train", "truck", "rest", "pit", "whistle", "door", "back",
            "tab", "glottal", "traffic", "emergency", "quick", "good", "bad", "great", "head", "jump", "kick", "push",
            "cold", "hot", "late", "early", "false", "fresh", "new", "flying", "re", "self", "coffee", "lunch", "fuel",
            "yes", "yeah", "nope",
        ),
    ),
    "fr": Language(
        stop=(
            "stop", "arrêt", "arrêter", "arrêtez", "désabonner", "me désabonner", "désabonnement", "désinscrire",
            "me désinscrire", "désinscription", "désinscrivez-moi", "désabonnez-moi", "résilier", "résiliation",
            "annuler", "annulez", "arrêt sms", "fin", "stop sms", "stop pub", "plus de sms", "plus de pub",
        ),
        start=("start", "reprendre", "m'abonner", "abonnez-moi", "m'inscrire"),
        polite=("svp", "s.v.p.", "stp", "s'il vous plaît", "s'il te plaît", "merci"),
        expressions=(
            "sans", "un", "le", "du", "au", "auto", "pas", "ne", "petit", "dernier", "premier", "jamais", "oui",
        ),
    ),
    "it": Language(
        stop=(
            "stop", "basta", "annulla", "annullare", "cancella", "cancellami", "cancellazione", "cancellatemi",
            "disiscrivi", "disiscrivimi", "disiscrizione", "disattiva", "disdetta", "disdire", "rimuovi", "rimuovimi",
            "stop sms", "basta così", "basta sms", "niente sms",
        ),
        start=("start", "iscrivimi", "riattiva"),
        polite=("per favore", "per piacere", "grazie"),
        expressions=("si", "lo", "uno", "allo", "dello", "senza", "mai", "nessuno", "ultimo", "primo"),
    ),
    "es": Language(
        stop=(
            "stop", "baja", "darme de baja", "dar de baja", "dame de baja", "cancelar", "cancela", "parar",
            "eliminar", "eliminarme", "desuscribir", "desuscribirme", "anular", "no más mensajes", "no más sms",
            "basta", "no más",
        ),
        start=("start", "alta", "darme de alta", "suscribirme", "reanudar"),
        polite=("por favor", "gracias", "porfa"),
        expressions=("el", "sin", "nunca", "otro", "de", "los"),
    ),
    "nl": Language(
        stop=(
            "stop", "stoppen", "stop maar", "afmelden", "afmelding", "uitschrijven", "uitschrijving", "opzeggen",
            "annuleren", "einde", "meld mij af", "meld me af", "schrijf me uit", "geen sms meer", "geen berichten meer",
            "geen reclame",
        ),
        start=("start", "starten", "aanmelden", "inschrijven", "hervatten", "meld mij aan", "meld me aan"),
        polite=("alstublieft", "alsjeblieft", "aub", "a.u.b.", "ajb", "graag", "bedankt", "dank u", "dank je"),
        expressions=(
            "niet", "nooit", "geen", "zonder", "een", "het", "ik", "jij", "wij", "zij", "volgende", "laatste", "nee",
        ),
    ),
    "pl": Language(
        stop=(
            "stop", "rezygnuję", "rezygnacja", "wypisz", "wypisz mnie", "wypisać", "anuluj", "usuń", "usuń mnie",
            "zakończ", "koniec", "wyrejestruj", "zrezygnuj", "odwołuję", "nie wysyłać", "nie wysyłajcie", "nie pisać",
        ),
        start=("start", "wznów", "zapisz mnie", "subskrybuj"),
        polite=("proszę", "prosze", "dziękuję", "dzięki"),
        expressions=("tak", "nie", "bez", "nigdy", "ten", "jeden", "ostatni", "pierwszy", "na", "do"),
    ),
    "tr": Language(
        stop=(
            "stop", "dur", "durdur", "iptal", "iptal et", "ret", "çık", "çıkış", "abonelikten çık",
            "üyelikten çık", "sms istemiyorum", "mesaj istemiyorum", "istemiyorum", "listeden çıkar", "beni çıkar",
        ),
        start=("start", "başla", "başlat", "abone ol", "üye ol"),
        polite=("lütfen", "teşekkürler", "sağol"),
        expressions=("evet", "hayır", "bir", "hiç", "son", "ilk", "bu", "her"),
    ),
}  # fmt: skip
"""By ISO 639-1 code."""

BEHIND_ANY_KEYWORD = ("stop", "stopp", "stop all", "unsubscribe", "opt out", "désabonner", "désinscrire")
"""What opts out behind a first word that we do not know: the plainest commands. None that takes an object, as in
"Tisch abbestellen"."""

SIGNATURES = ("gesendet von", "von meinem", "sent from", "envoyé de", "envoyé depuis", "inviato da", "enviado desde",
              "verzonden vanaf", "wysłane z")  # fmt: skip
"""What a telephone writes below a text; it and whatever follows is no part of it."""
