"""Two examples for each command, without the word `biaozhu`; a test parses all of them."""

# A command: an example | another, which may stand on a line of its own.
TABLE = """
new: new mine | new .
run: run | run articles --gold annotations/gold --name spring
doctor: doctor | doctor --json
labels: labels | labels --labels configs/labels.toml --json
configs: configs | configs --json
read: read seeds/article.txt | read page.html --text page.txt
split: split seeds -o sentences.jsonl | split page.html --text page.txt
preannotate: preannotate seeds -o annotations/pre --layers annotations/pre/layers --ledger
| preannotate corpus.jsonl.zst --model fast --shards shards -j 4
table: table seeds | table seeds --layer annotations/pre -o amounts.csv
export: export annotations/gold -f conll -o gold.conll | export annotations/pre -f brat -o brat
import: import doccano.jsonl -f doccano -o layer.jsonl
| import data.json -f labelstudio -o layer.jsonl --map LOC=PLACE --split
doccano: doccano up | doccano status
doccano up: doccano up | doccano up --port 8000 --home .doccano
doccano down: doccano down | doccano down --home .doccano
doccano status: doccano status | doccano status --json
doccano backup: doccano backup doccano.zip | doccano backup doccano.zip --home .doccano
doccano restore: doccano restore doccano.zip | doccano restore doccano.zip --home other --port 8001
doccano suggest: doccano suggest on --project biaozhu | doccano suggest off --project biaozhu
push: push annotations/pre | push annotations/pre --project spring --dry-run
pull: pull -o annotations/layers/doccano --compare annotations/pre
| pull -o annotations/layers/doccano --confirmed --project spring
project: project create annotations/pre --project spring --annotators anna,ben | project status spring
project create: project create annotations/pre --project spring --annotators anna,ben
| project create annotations/pre --project spring --annotators anna,ben,chen --overlap 2 --blind 0.1
project status: project status spring | project status spring --json
project accounts: project accounts spring | project accounts spring --json
project pull: project pull --project spring | project pull --project spring -o annotations/layers
project enter: project enter layer.jsonl --annotator anna --project spring
| project enter annotations/layers/anna --annotator anna --project spring
select: select annotations/pre -n 50 -o next.jsonl
| select 'shards/*.jsonl.gz' -n 200 -o next.jsonl --random 0.3
doubt: doubt annotations/gold | doubt annotations/gold --held-out heldout.jsonl -n 50 -o annotations/doubts
loop: loop rounds --pool annotations/pre --annotators ann,bo --test annotations/gold | loop rounds
llm: llm seeds --config llm.toml -o annotations/layers/llm
| llm seeds --config llm.toml -o annotations/layers/llm --yes
agree: agree annotations/layers/anna annotations/layers/ben
| agree annotations/layers/anna annotations/layers/ben --common -o agreement.json
bias: bias annotations/layers/anna annotations/layers/ben
| bias annotations/layers/anna --gold annotations/gold -o bias.json
adjudicate: adjudicate annotations/layers/anna annotations/layers/ben --questions questions.jsonl
| adjudicate annotations/layers/anna annotations/layers/ben --decisions questions.jsonl -o annotations/gold
gold: gold freeze | gold check
gold freeze: gold freeze | gold freeze annotations/gold
gold check: gold check | gold check annotations/gold
gold diff: gold diff old.jsonl new.jsonl | gold diff annotations/old annotations/gold --json
train: train configs/ner.cfg --gold annotations/gold -o models/ner
| train configs/cnn.cfg --gold annotations/gold -o models/cnn --seeds 3 --set training.max_steps=400
crossval: crossval configs/ner.cfg --gold annotations/gold --article seeds -o held-out.jsonl
| crossval configs/crf.cfg --gold annotations/gold --article seeds -o crf.jsonl --set components.ner.algorithm=lbfgs
curve: curve configs/ner.cfg --gold annotations/gold --article seeds -o curve.json
| curve configs/ner.cfg --gold annotations/gold --article seeds -o curve.json --sizes 4 --seeds 3
predict: predict models/ner seeds -o predicted.jsonl | predict models/ner layer.jsonl -o predicted.jsonl
segmenter: segmenter --words train.jsonl --dev dev.jsonl
| segmenter --words train.jsonl --dev dev.jsonl -o models/pkuseg --iterations 3
serve: serve | serve --model models/ner --port 8620
evaluate: evaluate --gold annotations/gold --layer pre=annotations/pre
| evaluate --gold annotations/gold --layer models.jsonl --article seeds --strict --fail-under 0.9
compare: compare a.jsonl b.jsonl --gold annotations/gold
| compare pre=annotations/pre ner=predicted.jsonl --gold annotations/gold --article seeds
report: report --layer pre=annotations/pre --article seeds -o reports/seeds
| report --layer pre=annotations/pre --layer ner=predicted.jsonl --gold annotations/gold --article seeds -o reports/ner
summary: summary | summary reports --json
history: history | history reports -o history.html --lang en
corpus: corpus show modern | corpus fetch modern --from texts
corpus fetch: corpus fetch pfr1998 | corpus fetch modern --from texts
corpus add: corpus add mine --train train.jsonl --dev dev.jsonl --test test.jsonl --licence CC0
| corpus add mine --train train.jsonl --dev dev.jsonl --test test.jsonl --licence CC0 --apart article.txt
corpus extend: corpus extend modern modern-self --model A --model B --from texts
| corpus extend modern modern-self --model A --model B --from texts --characters 1000000
corpus show: corpus show modern | corpus show modern --json
base: base build configs/base.cfg -o base | base annotate seeds -o base.jsonl
base build: base build configs/base.cfg -o base | base build configs/base.cfg -o base --seed 2
base annotate: base annotate seeds -o base.jsonl | base annotate layer.jsonl -o base.jsonl --model base
base distil: base distil configs/fast.cfg --from texts -o fast
| base distil configs/fast.cfg --from texts -o fast --threads 4
"""
EXAMPLES: dict[str, list[str]] = {
    command: examples.split(" | ")
    for command, _, examples in (
        line.partition(": ") for line in TABLE.strip().replace("\n| ", " | ").splitlines()
    )
}
