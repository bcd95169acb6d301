"""Everyday names for what an ImageNet classifier recognises: what people call a picture's main subject.

ImageNet has 1000 classes: 118 breeds of dog, but no word for a street; and many that are parts, clothes or
tools, which a network names when it does not know what else to say of a person. So classes count together
under the noun that people would use: mostly WordNet's hypernyms, and COCO's names where COCO has one. Left
out are names of materials and of small parts, and classes that took pictures of nothing in particular
(captions, frames, lamps in the dark: "web site", "envelope", "book jacket", "spotlight", "scoreboard").
"""

from __future__ import annotations

from collections.abc import Iterable

ANIMALS: dict[str, Iterable[int]] = {
    "fish": (*range(7), *range(389, 398)),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "frog": range(30, 33),
    "turtle": range(33, 38),
    "lizard": (*range(25, 30), *range(38, 49)),
    "crocodile": (49, 50),
    "snake": range(52, 69),
    "spider": range(72, 78),
    "lobster": (122, 123, 124),
    "crab": (*range(118, 122), 125),
    "snail": (113,),
    "dog": (*range(151, 269), 273, 274, 275),
    "wolf": range(269, 273),
    "fox": range(277, 281),
    "cat": range(281, 286),
    "lion": (286, 291),
    "tiger": (292,),
    "leopard": (287, 288, 289, 290, 293),
    "bear": range(294, 298),
    "insect": (*range(300, 311), 311, 312, 314, 315, 316, 317),
    "dragonfly": (319, 320),
    "butterfly": range(321, 327),
    "rabbit": range(330, 333),
    "hamster": (333, 338),
    "squirrel": (335,),
    "horse": (339,),
    "zebra": (340,),
    "pig": (341, 342, 343),
    "hippopotamus": (344,),
    "cow": (345, 346, 347),
    "sheep": (348, 349),
    "goat": (350,),
    "deer": (351, 352, 353),
    "camel": (354,),
    "llama": (355,),
    "ape": range(365, 370),
    "monkey": range(370, 383),
    "elephant": (101, 385, 386),
    "panda": (387, 388),
    "kangaroo": (104,),
    "koala": (105,),
    "whale": (147, 148),
    "seal": (149, 150),
    "otter": (337, 360),
}
VEHICLES: dict[str, Iterable[int]] = {
    "airplane": (404, 895),
    "balloon": (405, 417),
    "bicycle": (444, 671),
    "boat": (472, 484, 554, 576, 625, 780, 814, 871, 914),
    "bus": (654, 779, 874),
    # With the front and the wheel, of which ImageNet has pictures of their own.
    "car": (407, 436, 468, 479, 511, 581, 609, 627, 656, 661, 734, 751, 817),
    "motorcycle": (665, 670),
    "rocket": (657, 744, 812),
    "ship": (403, 510, 628),
    "tank": (847,),
    "tractor": (595, 730, 856, 866),
    "train": (466, 547, 565, 705, 820),
    "tram": (829,),
    "truck": (555, 569, 675, 717, 864, 867),
}
THINGS: dict[str, Iterable[int]] = {
    "accordion": (401,),
    "backpack": (414,),
    "ball": (429, 430, 574, 722, 768, 805, 852, 890),
    "bathtub": (435, 876),
    "bed": (564,),
    "bench": (703,),
    "bottle": (440, 720, 737, 898, 907),
    "bowl": (659, 809),
    "box": (478, 519),
    "camera": (732, 759),
    "candle": (470,),
    "chair": (559, 765),
    "clock": (409, 530, 892),
    "computer": (527,),
    "couch": (831,),
    "cup": (504, 967, 968),
    "desk": (526,),
    "drum": (541,),
    "flower": (985, 986),
    "glass": (441, 572, 966),
    "guitar": (402, 420, 546),
    "keyboard": (508, 878),
    "lamp": (619, 846),
    "laptop": (620, 681),
    "oven": (827,),
    "parachute": (701,),
    "phone": (487, 528),
    "piano": (579, 881),
    "plate": (923,),
    "potted plant": (738,),
    "refrigerator": (760,),
    "shelf": (453,),
    "sink": (896,),
    "skis": (795,),
    "street sign": (919,),
    "table": (532,),
    "teapot": (505, 849),
    "teddy bear": (850,),
    "tent": (672,),
    "toilet": (861,),
    "traffic light": (920,),
    "tripod": (872,),
    "umbrella": (879,),
    "vase": (883,),
    "violin": (486, 889),
    "washing machine": (897,),
}
FOOD: dict[str, Iterable[int]] = {
    "apple": (948,),
    "banana": (954,),
    "bread": (930, 931, 932),
    "broccoli": (937,),
    "burger": (933,),
    "hot dog": (934,),
    "ice cream": (928, 929),
    "lemon": (951,),
    "mushroom": (947, *range(992, 998)),
    "orange": (950,),
    "pineapple": (953,),
    "pizza": (963,),
    "strawberry": (949,),
    "vegetable": (936, *range(938, 947), 987, 998),
}
PLACES: dict[str, Iterable[int]] = {
    "beach": (977, 978),
    "bridge": (821, 839, 888),
    "building": (425, 442, 449, 483, 497, 500, 538, 660, 663, 668, 698, 727, 743, 832, 853, 858),
    "cliff": (972,),
    "fence": (489, 716, 912),
    "fountain": (562,),
    "lake": (975,),
    "library": (454, 624),
    "lighthouse": (437,),
    "mountain": (970, 980),
    "pier": (536, 718),
    "reef": (973,),
    "restaurant": (762,),
    "shop": (415, 467, 509, 582, 788, 860, 865),
    "valley": (979,),
}
#: What is worn is the picture of somebody who wears it, and never a subject of its own.
PEOPLE: dict[str, Iterable[int]] = {
    "person": (
        *(399, 400, 445, 451, 457, 465, 474, 501, 515, 560, 568, 578, 601, 610, 614, 617, 638, 639, 652, 655),
        *(667, 678, 689, 697, 735, 775, 793, 808, 834, 836, 837, 841, 842, 869, 887, 903, 906, 981, 982, 983),
    ),
}

#: The classes that count together under each noun; no class has two nouns.
NOUNS: dict[str, tuple[int, ...]] = {
    noun: tuple(classes)
    for group in (PEOPLE, ANIMALS, VEHICLES, THINGS, FOOD, PLACES)
    for noun, classes in group.items()
}
