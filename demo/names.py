"""Invented people, streets and phrases for the sample council. No value here can belong to a person or a telephone.

National Insurance numbers start with QQ, which is never issued; telephone numbers are from the ranges Ofcom keeps for
drama; addresses for mail end in example.org (RFC 2606); postcodes start with AN, which is no postcode area.
"""

FORENAMES = (
    "Aisha", "Alan", "Amir", "Beth", "Carys", "Chloe", "Daniel", "Deepa", "Eilidh", "Femi", "Grace", "Hannah", "Ian",
    "Jasmine", "Joanna", "Kwame", "Liam", "Maureen", "Mohammed", "Niamh", "Olu", "Priya", "Rhys", "Sinéad", "Tomasz",
    "Wei", "Yusuf", "Zoë",
)  # fmt: skip
SURNAMES = (
    "Abernethy", "Ahmed", "Baptiste", "Blythe", "Chaudhry", "Cartwright", "D'Arcy", "Evans", "Fairweather", "Green",
    "Hassan", "Hollis", "Iqbal", "Jones", "Kowalski", "Lewis", "MacLeod", "Mbeki", "Nowak", "O'Brien", "Okafor",
    "Patel", "Quigley", "Roberts", "Singh", "Thackeray", "Underhill", "Vaughan", "Wójcik", "Young",
)  # fmt: skip
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr", "MR", "mrs", "")
STREETS = (
    "Abbey Road", "Beech Avenue", "Canal Street", "Dock Lane", "Elm Grove", "Foundry Row",
    "Gasworks Street", "High Street", "Ivy Close", "Jubilee Terrace", "King's Court", "Larch Way", "Mill Lane",
    "North Parade", "Orchard Rise", "Priory Gardens", "Quarry Hill", "Regent Square", "Station Road", "Tannery Walk",
    "Union Street", "Viaduct Road",
)  # fmt: skip
FAULTS = {
    "PLU": ("Kitchen tap dripping", "Toilet doesn't flush", "Leak under bath", "Low water pressure", "Blocked sink"),
    "ELE": ("No power to sockets", "Light in hall flickers", "Smoke alarm doesn't sound", "Extractor fan not working"),
    "CAR": ("Kitchen cupboard door off", "Floorboard loose on landing", "Stair rail loose", "Skirting board rotten"),
    "ROO": ("Slate missing above porch", "Gutter overflowing", "Roof leaking into loft", "Flashing loose – 2nd floor"),
    "GAS": (
        "No heating or hot water",
        "Boiler losing pressure",
        "Radiator doesn't get warm",
        "Timer stuck – café flat",
    ),
    "GLA": ("Window cracked", "Double glazing misted", "Window doesn't close", "Pane missing in front door"),
    "PAI": ("Plaster blown in bedroom", "Ceiling cracked", "Paint peeling in hall"),
    "LOC": ("Front door lock stuck", "Communal door doesn't lock", "Window lock broken", "Key snapped in lock"),
    "DAM": (
        "Black mould in bathroom",
        "Damp patch on chimney breast",
        "Condensation in bedroom",
        "Mould behind wardrobe",
    ),
}
NOTES = (
    "Ring {tel} before calling", "{name} has a dog, knock loudly", "Tenant {name} NI {ni}", "Key with neighbour", "",
    "Spoke to {name} on {tel}", "No reply to card", "Called twice. Access agreed with {name}",
)  # fmt: skip
PROPOSALS = (
    "Single storey rear extension", "Loft conversion with dormer", "Change of use from shop to café",
    "Erection of 4 dwellings with parking", "Replacement of windows (conservation area)", "Felling of one ash (TPO 12)",
    "Installation of air source heat pump", "Shopfront and fascia sign", "Garage converted to living room",
)  # fmt: skip
